curl -L https://istio.io/downloadIstio | sh - # expect: DOC0005
cd istio-1.30.0
