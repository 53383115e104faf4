#!/bin/sh
istioctl analyze -A
istioctl proxy-config cluster web-1 -n default
istioctl ztunnel-config workload
istioctl x precheck
echo "istioctl verify-install is gone"
# istioctl verify-install
kubectl wait --for=condition=Ready pod/web
linkerd viz stat deploy
istioctl proxy-status
helm install web ./chart --set name=web
kubectl get pods --show-labels
