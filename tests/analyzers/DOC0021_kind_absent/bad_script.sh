kubectl get serviceprofiles,trafficsplits -n web # expect: DOC0021
