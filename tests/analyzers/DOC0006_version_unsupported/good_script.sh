curl -L https://istio.io/downloadIstio | ISTIO_VERSION=1.30.0 sh -
cd istio-1.30.0
cd my-istio-1.19.0
export OTHER_VERSION=1.12.3
echo "export ISTIO_VERSION=1.19.0"
