curl -L https://istio.io/downloadIstio | ISTIO_VERSION=1.19.0 sh -
cd istio-1.19.0
export ISTIO_VERSION=1.12.3
# expect@-3: DOC0006
# expect@-2: DOC0006
