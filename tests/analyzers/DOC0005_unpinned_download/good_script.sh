curl -L https://istio.io/downloadIstio | ISTIO_VERSION=1.30.0 sh -
cd istio-1.30.0
cd ..
curl -L https://istio.io/downloadIstio | sh -
cd istio-*
cd ..
curl -L https://get.example.com/1.30.0/install | sh -s
cd tool-1.30.0
