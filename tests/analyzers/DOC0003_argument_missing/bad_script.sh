linkerd viz edges -o wide # expect: DOC0003
linkerd viz edges -n $NAMESPACE # expect: DOC0003
linkerd --context west viz stat # expect: DOC0003
kubectl get deploy -o yaml | linkerd inject | kubectl apply -f - # expect: DOC0003
istioctl tag set --revision 1-30 # expect: DOC0003
