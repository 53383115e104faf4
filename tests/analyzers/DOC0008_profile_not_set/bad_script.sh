# Install Istio with demo profile
istioctl install --set values.defaultRevision=default -y # expect: DOC0008
