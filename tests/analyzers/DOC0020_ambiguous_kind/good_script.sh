kubectl get virtualservices,destinationrules,gateways -n web
kubectl get pods
