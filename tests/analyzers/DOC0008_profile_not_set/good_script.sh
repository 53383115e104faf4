# Install Istio with demo profile
istioctl install --set profile=demo -y
# Install with production profile
istioctl install -y
# Install the default profile
istioctl install -y
# The demo profile is in this file
istioctl install -y -f demo.yaml
