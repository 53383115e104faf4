helm install consul hashicorp/consul --set global.acls.manageSystemACLs=true,ui.service.type=LoadBalancer
helm install consul hashicorp/consul --set ui.service.type=ClusterIP
helm install consul hashicorp/consul --set ui.service.type=LoadBalancer -f values.yaml
