aws --region us-west-2 appmesh create-mesh --mesh-name my-mesh # expect: DOC0019
