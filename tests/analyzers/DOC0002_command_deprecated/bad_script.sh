linkerd --context=east multicluster link --cluster-name east | \
  kubectl --context=west apply -f -
linkerd -n web stat deploy
istioctl dashboard envoy web-1
# expect@-4: DOC0002
# expect@-3: DOC0002
# expect@-3: DOC0002
istioctl install -y --charts ./manifests # expect: DOC0002
