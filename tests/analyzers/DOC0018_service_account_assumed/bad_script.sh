helm upgrade -i appmesh-controller eks/appmesh-controller \
  --set serviceAccount.create=false \
  --set serviceAccount.name=appmesh-controller
# expect@-2: DOC0018
