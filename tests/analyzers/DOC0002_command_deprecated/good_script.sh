linkerd multicluster link-gen --cluster-name east | kubectl --context=west apply -f -
linkerd viz stat deploy -n web
istioctl dashboard proxy web-1
istioctl install -y --manifests ./manifests
