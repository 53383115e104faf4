istioctl proxy-config routes <pod-name> -n web # expect: DOC0004
kubectl exec <pod>.<namespace> -- ls
kubectl delete pod <your pod>
# expect@-2: DOC0004, DOC0004
# expect@-2: DOC0004
