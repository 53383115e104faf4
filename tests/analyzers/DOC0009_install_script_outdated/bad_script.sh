curl --proto '=https' --tlsv1.2 -sSfL https://run.linkerd.io/install | sh # expect: DOC0009
