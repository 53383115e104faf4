aws appmesh describe-mesh --mesh-name my-mesh
aws appmesh delete-mesh --mesh-name my-mesh
aws eks create-cluster --name demo
