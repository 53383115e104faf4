istioctl proxy-config routes "$POD" -n web
istioctl proxy-config routes "<pod-name>" -n web
# istioctl proxy-config routes <pod-name>
sort <in>out
sort < in > out
sort <in>/dev/null
cat <<EOF
<pod-name> is text here
EOF
