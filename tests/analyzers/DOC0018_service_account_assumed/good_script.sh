eksctl create iamserviceaccount --cluster demo --name appmesh-controller
helm upgrade -i appmesh-controller eks/appmesh-controller \
  --set serviceAccount.create=false --set serviceAccount.name=appmesh-controller
