linkerd viz edges deploy -o wide
linkerd viz edges -n web "$KIND"
linkerd viz stat --help
linkerd viz stat --some-new-flag deploy
kubectl get deploy -o yaml | linkerd inject - | kubectl apply -f -
istioctl tag set stable --revision 1-30
