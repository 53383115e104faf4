kubectl apply -k "https://github.com/aws/eks-charts/stable/appmesh-controller/crds?ref=master" # expect: DOC0017
kubectl apply -k github.com/kubernetes-sigs/gateway-api/config/crd # expect: DOC0017
kubectl apply -f https://raw.githubusercontent.com/istio/istio/master/samples/httpbin/httpbin.yaml # expect: DOC0017
