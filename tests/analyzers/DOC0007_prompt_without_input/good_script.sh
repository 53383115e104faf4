istioctl install -y -f - <<EOF
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata:
  name: control-plane
EOF
istioctl install -f operator.yaml
cat operator.yaml | istioctl upgrade --skip-confirmation -f -
