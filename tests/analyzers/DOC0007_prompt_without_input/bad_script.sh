istioctl install --set profile=minimal -f - <<EOF # expect: DOC0007
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata:
  name: control-plane
EOF
cat operator.yaml | istioctl upgrade -f - # expect: DOC0007
