helm upgrade -i consul hashicorp/consul --set global.tls.enabled=true
helm upgrade -i consul hashicorp/consul --set global.tls.enableAutoEncrypt=true --set client.enabled=true
helm upgrade -i other example/chart --set global.tls.enableAutoEncrypt=true
