curl --proto '=https' --tlsv1.2 -sSfL https://run.linkerd.io/install-edge | sh
echo https://run.linkerd.io/install
