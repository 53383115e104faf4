helm upgrade -i consul hashicorp/consul --set global.tls.enableAutoEncrypt=true # expect: DOC0016
