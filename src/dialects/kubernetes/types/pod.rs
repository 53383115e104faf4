//! Pod and the parts of its spec that rules read.

use crate::message;
use crate::schema::{At, Int, List, Text};

message! {
    /// A pod.
    pub struct Pod {
        /// Its containers and settings.
        spec: Option<PodSpec> = "spec",
    }
}

message! {
    /// Containers and settings of a pod.
    pub open struct PodSpec {
        /// Containers.
        containers: List<Container> = "containers",
        /// Containers that run first.
        init_containers: List<Container> = "initContainers",
        /// Service account.
        service_account_name: Option<Text> = "serviceAccountName",
        /// Uses the node's network.
        host_network: Option<At<bool>> = "hostNetwork",
        /// Node it runs on.
        node_name: Option<Text> = "nodeName",
        /// Settings of all containers.
        security_context: Option<PodSecurityContext> = "securityContext",
    }
}

message! {
    /// Security settings of a pod.
    pub open struct PodSecurityContext {
        /// User id.
        run_as_user: Option<Int> = "runAsUser",
    }
}

message! {
    /// One container.
    pub open struct Container {
        /// Name.
        name: Option<Text> = "name",
        /// Image.
        image: Option<Text> = "image",
        /// Arguments.
        args: List<Text> = "args",
        /// Environment.
        env: List<EnvVar> = "env",
        /// Ports.
        ports: List<ContainerPort> = "ports",
        /// Security settings.
        security_context: Option<SecurityContext> = "securityContext",
    }
}

message! {
    /// Security settings of a container.
    pub open struct SecurityContext {
        /// User id.
        run_as_user: Option<Int> = "runAsUser",
    }
}

message! {
    /// One environment variable.
    pub open struct EnvVar {
        /// Name.
        name: Option<Text> = "name",
        /// Value.
        value: Option<Text> = "value",
    }
}

message! {
    /// One port of a container.
    pub open struct ContainerPort {
        /// Name.
        name: Option<Text> = "name",
        /// Number.
        container_port: Option<Int> = "containerPort",
        /// TCP, UDP or SCTP.
        protocol: Option<Text> = "protocol",
    }
}
