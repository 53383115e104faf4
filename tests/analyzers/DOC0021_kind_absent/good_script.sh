kubectl get serviceprofiles,pods -n web
kubectl get trafficsplits -n web || true
