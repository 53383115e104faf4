//! A mesh of any size as manifests, the same bytes on every machine: what the bench measures and a test checks.
//!
//! Each service has five documents of about 330 bytes: Service, Deployment, VirtualService, DestinationRule and
//! AuthorizationPolicy. The services are spread over 40 namespaces behind one gateway; every namespace also has a
//! ServiceEntry. Without mistakes an analysis finds nothing.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

const NAMESPACES: usize = 40;

/// A mesh to write.
#[derive(Debug, Clone, Copy)]
pub struct Mesh {
    /// Number of services.
    pub services: usize,
    /// One service in a hundred has a mistake in its VirtualService: a host that does not exist, a subset that is not
    /// defined, or a misspelt field.
    pub mistakes: bool,
}

impl Mesh {
    /// All documents as one text.
    pub fn one_text(self) -> String {
        let mut text = self.shared();
        for at in 0..self.services {
            self.service(at, &mut text);
        }
        text
    }

    /// The documents as files of a directory, the services spread evenly, the shared objects in a file of their own.
    #[allow(dead_code, reason = "not every user writes a directory")]
    pub fn write_directory(self, directory: &Path, files: usize) -> io::Result<()> {
        fs::write(directory.join("shared.yaml"), self.shared())?;
        let files = files.clamp(1, self.services.max(1));
        for file in 0..files {
            let mut text = String::new();
            for at in file * self.services / files..(file + 1) * self.services / files {
                self.service(at, &mut text);
            }
            fs::write(directory.join(format!("services-{file:04}.yaml")), text)?;
        }
        Ok(())
    }

    /// Namespaces, the ingress gateway with its Gateway, and the ServiceEntries.
    fn shared(self) -> String {
        let mut text = String::from(GATEWAY);
        for at in 0..NAMESPACES.min(self.services) {
            let name = format!("team-{at:02}");
            let _ = write!(text, "{}", NAMESPACE.replace("$NAMESPACE", &name));
        }
        text
    }

    fn service(self, at: usize, text: &mut String) {
        let wrong = if self.mistakes && at % 100 == 7 { Some(at / 100 % 3) } else { None };
        let name = format!("web-{at:05}");
        let fill = |template: &str| {
            template
                .replace("$NAMESPACE", &format!("team-{:02}", at % NAMESPACES))
                .replace("$NAME", &name)
                .replace("$HOST", &if wrong == Some(0) { format!("{name}-gone") } else { name.clone() })
                .replace("$SUBSET", if wrong == Some(1) { "v9" } else { "v1" })
                .replace("$TIMEOUT", if wrong == Some(2) { "timeOut" } else { "timeout" })
        };
        for template in [SERVICE, DEPLOYMENT, VIRTUAL_SERVICE, DESTINATION_RULE, AUTHORIZATION_POLICY] {
            text.push_str(&fill(template));
        }
    }
}

const GATEWAY: &str = "\
apiVersion: v1
kind: Namespace
metadata:
  name: istio-system
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: istio-ingressgateway
  namespace: istio-system
spec:
  selector:
    matchLabels:
      istio: ingressgateway
  template:
    metadata:
      labels:
        istio: ingressgateway
    spec:
      containers:
        - name: istio-proxy
          image: docker.io/istio/proxyv2:1.30.0
---
apiVersion: v1
kind: Service
metadata:
  name: istio-ingressgateway
  namespace: istio-system
spec:
  type: LoadBalancer
  selector:
    istio: ingressgateway
  ports:
    - name: http2
      port: 80
      targetPort: 8080
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: public
  namespace: istio-system
spec:
  selector:
    istio: ingressgateway
  servers:
    - port:
        number: 80
        name: http
        protocol: HTTP
      hosts:
        - \"*/*.example.com\"
";

const NAMESPACE: &str = "\
---
apiVersion: v1
kind: Namespace
metadata:
  name: $NAMESPACE
  labels:
    istio-injection: enabled
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: payments
  namespace: $NAMESPACE
spec:
  hosts:
    - payments.$NAMESPACE.example.org
  location: MESH_EXTERNAL
  resolution: DNS
  exportTo:
    - \".\"
  ports:
    - number: 443
      name: tls
      protocol: TLS
";

const SERVICE: &str = "\
---
apiVersion: v1
kind: Service
metadata:
  name: $NAME
  namespace: $NAMESPACE
  labels:
    app: $NAME
spec:
  selector:
    app: $NAME
  ports:
    - name: http
      port: 8080
    - name: grpc-admin
      port: 9090
";

const DEPLOYMENT: &str = "\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: $NAME-v1
  namespace: $NAMESPACE
spec:
  selector:
    matchLabels:
      app: $NAME
  template:
    metadata:
      labels:
        app: $NAME
        version: v1
    spec:
      serviceAccountName: $NAME
      containers:
        - name: app
          image: registry.example.com/$NAME:1.4.2
          ports:
            - containerPort: 8080
";

const VIRTUAL_SERVICE: &str = "\
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: $NAME
  namespace: $NAMESPACE
spec:
  hosts:
    - $NAME.example.com
  gateways:
    - istio-system/public
  http:
    - match:
        - uri:
            prefix: /
      route:
        - destination:
            host: $HOST
            subset: $SUBSET
            port:
              number: 8080
      $TIMEOUT: 10s
";

const DESTINATION_RULE: &str = "\
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: $NAME
  namespace: $NAMESPACE
spec:
  host: $NAME
  trafficPolicy:
    tls:
      mode: ISTIO_MUTUAL
  subsets:
    - name: v1
      labels:
        version: v1
";

const AUTHORIZATION_POLICY: &str = "\
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: $NAME
  namespace: $NAMESPACE
spec:
  selector:
    matchLabels:
      app: $NAME
  action: ALLOW
  rules:
    - from:
        - source:
            namespaces:
              - istio-system
      to:
        - operation:
            methods: [\"GET\", \"POST\"]
            ports: [\"8080\"]
";
