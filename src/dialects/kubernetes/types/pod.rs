//! Pod: its spec, containers and volumes. Parts that no rule reads are known by name only.

use crate::message;
use crate::schema::leaf::Opaque;
use crate::schema::{At, Int, IntOrString, List, Map, Text};

message! {
    /// A pod.
    pub struct Pod {
        /// Its containers and settings.
        spec: Option<Box<PodSpec>> = "spec",
    }
}

message! {
    /// Containers and settings of a pod.
    pub struct PodSpec {
        /// Containers.
        containers: List<Container> = "containers",
        /// Containers that run first, and sidecars.
        init_containers: List<Container> = "initContainers",
        /// Containers for debugging.
        ephemeral_containers: List<Opaque> = "ephemeralContainers",
        /// Volumes.
        volumes: List<Volume> = "volumes",
        /// Always, OnFailure or Never.
        restart_policy: Option<Text> = "restartPolicy",
        /// Time to stop.
        termination_grace_period_seconds: Option<Int> = "terminationGracePeriodSeconds",
        /// Time to live.
        active_deadline_seconds: Option<Int> = "activeDeadlineSeconds",
        /// Where names are looked up.
        dns_policy: Option<Text> = "dnsPolicy",
        /// Name servers of its own.
        dns_config: Option<Opaque> = "dnsConfig",
        /// Labels of nodes it may run on.
        node_selector: Map<Text> = "nodeSelector",
        /// Service account.
        service_account_name: Option<Text> = "serviceAccountName",
        /// Older name of `serviceAccountName`.
        service_account: Option<Text> = "serviceAccount",
        /// Whether it gets a token.
        automount_service_account_token: Option<At<bool>> = "automountServiceAccountToken",
        /// Node it runs on.
        node_name: Option<Text> = "nodeName",
        /// Uses the node's network.
        host_network: Option<At<bool>> = "hostNetwork",
        /// Sees the node's processes.
        host_pid: Option<At<bool>> = "hostPID",
        /// Uses the node's IPC.
        host_ipc: Option<At<bool>> = "hostIPC",
        /// Uses the node's users.
        host_users: Option<At<bool>> = "hostUsers",
        /// Containers see one another.
        share_process_namespace: Option<At<bool>> = "shareProcessNamespace",
        /// Settings of all containers.
        security_context: Option<PodSecurityContext> = "securityContext",
        /// Secrets for the registry.
        image_pull_secrets: List<Opaque> = "imagePullSecrets",
        /// Host name.
        hostname: Option<Text> = "hostname",
        /// Host name, whatever the pod is called.
        hostname_override: Option<Text> = "hostnameOverride",
        /// Subdomain of the host name.
        subdomain: Option<Text> = "subdomain",
        /// The full name as host name.
        set_hostname_as_fqdn: Option<At<bool>> = "setHostnameAsFQDN",
        /// Where to run by preference.
        affinity: Option<Opaque> = "affinity",
        /// Scheduler.
        scheduler_name: Option<Text> = "schedulerName",
        /// Taints it stands.
        tolerations: List<Opaque> = "tolerations",
        /// Lines in /etc/hosts.
        host_aliases: List<Opaque> = "hostAliases",
        /// Priority by name.
        priority_class_name: Option<Text> = "priorityClassName",
        /// Priority as a number.
        priority: Option<Int> = "priority",
        /// Whether it may push others out.
        preemption_policy: Option<Text> = "preemptionPolicy",
        /// More conditions of readiness.
        readiness_gates: List<Opaque> = "readinessGates",
        /// Runtime.
        runtime_class_name: Option<Text> = "runtimeClassName",
        /// Services as environment variables.
        enable_service_links: Option<At<bool>> = "enableServiceLinks",
        /// Resources of the runtime itself.
        overhead: Option<Opaque> = "overhead",
        /// How replicas spread.
        topology_spread_constraints: List<Opaque> = "topologySpreadConstraints",
        /// Operating system.
        os: Option<Opaque> = "os",
        /// What must open before it is scheduled.
        scheduling_gates: List<Opaque> = "schedulingGates",
        /// Devices.
        resource_claims: List<Opaque> = "resourceClaims",
        /// Resources of all containers together.
        resources: Option<Resources> = "resources",
        /// Group it is scheduled with.
        workload_ref: Option<Opaque> = "workloadRef",
    }
}

message! {
    /// Security settings of a pod.
    pub struct PodSecurityContext {
        /// User id.
        run_as_user: Option<Int> = "runAsUser",
        /// Group id.
        run_as_group: Option<Int> = "runAsGroup",
        /// Refuses to run as root.
        run_as_non_root: Option<At<bool>> = "runAsNonRoot",
        /// Group of its volumes.
        fs_group: Option<Int> = "fsGroup",
        /// When volumes change group.
        fs_group_change_policy: Option<Text> = "fsGroupChangePolicy",
        /// More groups.
        supplemental_groups: List<Opaque> = "supplementalGroups",
        /// How they join those of the image.
        supplemental_groups_policy: Option<Text> = "supplementalGroupsPolicy",
        /// Kernel settings.
        sysctls: List<Opaque> = "sysctls",
        /// SELinux.
        se_linux_options: Option<Opaque> = "seLinuxOptions",
        /// How volumes are relabelled.
        se_linux_change_policy: Option<Text> = "seLinuxChangePolicy",
        /// Seccomp.
        seccomp_profile: Option<Opaque> = "seccompProfile",
        /// AppArmor.
        app_armor_profile: Option<Opaque> = "appArmorProfile",
        /// Windows.
        windows_options: Option<Opaque> = "windowsOptions",
    }
}

message! {
    /// One container.
    pub struct Container {
        /// Name.
        name: Option<Text> = "name",
        /// Image.
        image: Option<Text> = "image",
        /// Program, in place of that of the image.
        command: List<Text> = "command",
        /// Arguments.
        args: List<Text> = "args",
        /// Directory it starts in.
        working_dir: Option<Text> = "workingDir",
        /// Ports.
        ports: List<ContainerPort> = "ports",
        /// Environment from maps and secrets.
        env_from: List<Opaque> = "envFrom",
        /// Environment.
        env: List<EnvVar> = "env",
        /// Resources.
        resources: Option<Resources> = "resources",
        /// What a resize restarts.
        resize_policy: List<Opaque> = "resizePolicy",
        /// Always in `initContainers` makes a sidecar.
        restart_policy: Option<Text> = "restartPolicy",
        /// When to restart.
        restart_policy_rules: List<Opaque> = "restartPolicyRules",
        /// Volumes inside.
        volume_mounts: List<VolumeMount> = "volumeMounts",
        /// Block devices.
        volume_devices: List<Opaque> = "volumeDevices",
        /// Restart when it fails.
        liveness_probe: Option<Box<Probe>> = "livenessProbe",
        /// No traffic while it fails.
        readiness_probe: Option<Box<Probe>> = "readinessProbe",
        /// Comes before the other two.
        startup_probe: Option<Box<Probe>> = "startupProbe",
        /// Hooks.
        lifecycle: Option<Opaque> = "lifecycle",
        /// File with the last words.
        termination_message_path: Option<Text> = "terminationMessagePath",
        /// Where last words come from.
        termination_message_policy: Option<Text> = "terminationMessagePolicy",
        /// When to pull.
        image_pull_policy: Option<Text> = "imagePullPolicy",
        /// Security settings.
        security_context: Option<SecurityContext> = "securityContext",
        /// Keeps stdin open.
        stdin: Option<At<bool>> = "stdin",
        /// Closes stdin after one client.
        stdin_once: Option<At<bool>> = "stdinOnce",
        /// Terminal.
        tty: Option<At<bool>> = "tty",
    }
}

message! {
    /// Security settings of a container.
    pub struct SecurityContext {
        /// User id.
        run_as_user: Option<Int> = "runAsUser",
        /// Group id.
        run_as_group: Option<Int> = "runAsGroup",
        /// Refuses to run as root.
        run_as_non_root: Option<At<bool>> = "runAsNonRoot",
        /// Capabilities.
        capabilities: Option<Opaque> = "capabilities",
        /// All of them.
        privileged: Option<At<bool>> = "privileged",
        /// Cannot write its image.
        read_only_root_filesystem: Option<At<bool>> = "readOnlyRootFilesystem",
        /// May gain rights.
        allow_privilege_escalation: Option<At<bool>> = "allowPrivilegeEscalation",
        /// How /proc is mounted.
        proc_mount: Option<Text> = "procMount",
        /// SELinux.
        se_linux_options: Option<Opaque> = "seLinuxOptions",
        /// Seccomp.
        seccomp_profile: Option<Opaque> = "seccompProfile",
        /// AppArmor.
        app_armor_profile: Option<Opaque> = "appArmorProfile",
        /// Windows.
        windows_options: Option<Opaque> = "windowsOptions",
    }
}

message! {
    /// One environment variable.
    pub struct EnvVar {
        /// Name.
        name: Option<Text> = "name",
        /// Value.
        value: Option<Text> = "value",
        /// Where the value comes from.
        value_from: Option<Opaque> = "valueFrom",
    }
}

message! {
    /// One port of a container.
    pub struct ContainerPort {
        /// Name.
        name: Option<Text> = "name",
        /// Number.
        container_port: Option<Int> = "containerPort",
        /// Number on the node.
        host_port: Option<Int> = "hostPort",
        /// TCP, UDP or SCTP.
        protocol: Option<Text> = "protocol",
        /// Address on the node.
        host_ip: Option<Text> = "hostIP",
    }
}

message! {
    /// What a container asks for and may use.
    pub struct Resources {
        /// At most.
        limits: Option<Opaque> = "limits",
        /// At least.
        requests: Option<Opaque> = "requests",
        /// Devices.
        claims: List<Opaque> = "claims",
    }
}

message! {
    /// A check of a container.
    pub struct Probe {
        /// By a command.
        exec: Option<Opaque> = "exec",
        /// By a request.
        http_get: Option<HttpGet> = "httpGet",
        /// By a connection.
        tcp_socket: Option<Opaque> = "tcpSocket",
        /// By a gRPC health check.
        grpc: Option<Opaque> = "grpc",
        /// Time before the first.
        initial_delay_seconds: Option<Int> = "initialDelaySeconds",
        /// Time of one.
        timeout_seconds: Option<Int> = "timeoutSeconds",
        /// Time between two.
        period_seconds: Option<Int> = "periodSeconds",
        /// Successes that count.
        success_threshold: Option<Int> = "successThreshold",
        /// Failures that count.
        failure_threshold: Option<Int> = "failureThreshold",
        /// Time to stop after a failure.
        termination_grace_period_seconds: Option<Int> = "terminationGracePeriodSeconds",
    }
}

message! {
    /// A probe by HTTP.
    pub struct HttpGet {
        /// Path.
        path: Option<Text> = "path",
        /// Port.
        port: Option<At<IntOrString>> = "port",
        /// Host, the pod's own when not set.
        host: Option<Text> = "host",
        /// HTTP or HTTPS.
        scheme: Option<Text> = "scheme",
        /// Headers.
        http_headers: List<Opaque> = "httpHeaders",
    }
}

message! {
    /// A volume inside a container.
    pub struct VolumeMount {
        /// Name of the volume.
        name: Option<Text> = "name",
        /// Where.
        mount_path: Option<Text> = "mountPath",
        /// Cannot write.
        read_only: Option<At<bool>> = "readOnly",
        /// Mounts below too.
        recursive_read_only: Option<Text> = "recursiveReadOnly",
        /// Part of the volume.
        sub_path: Option<Text> = "subPath",
        /// Part of the volume, with variables.
        sub_path_expr: Option<Text> = "subPathExpr",
        /// Who sees mounts made later.
        mount_propagation: Option<Text> = "mountPropagation",
    }
}

message! {
    /// A volume and where it comes from.
    pub struct Volume {
        /// Name.
        name: Option<Text> = "name",
        /// Source `hostPath`.
        host_path: Option<Opaque> = "hostPath",
        /// Source `emptyDir`.
        empty_dir: Option<Opaque> = "emptyDir",
        /// Source `secret`.
        secret: Option<Opaque> = "secret",
        /// Source `configMap`.
        config_map: Option<Opaque> = "configMap",
        /// Source `projected`.
        projected: Option<Opaque> = "projected",
        /// Source `downwardAPI`.
        downward_api: Option<Opaque> = "downwardAPI",
        /// Source `persistentVolumeClaim`.
        persistent_volume_claim: Option<Opaque> = "persistentVolumeClaim",
        /// Source `csi`.
        csi: Option<Opaque> = "csi",
        /// Source `ephemeral`.
        ephemeral: Option<Opaque> = "ephemeral",
        /// Source `image`.
        image: Option<Opaque> = "image",
        /// Source `nfs`.
        nfs: Option<Opaque> = "nfs",
        /// Source `iscsi`.
        iscsi: Option<Opaque> = "iscsi",
        /// Source `fc`.
        fc: Option<Opaque> = "fc",
        /// Source `azureDisk`.
        azure_disk: Option<Opaque> = "azureDisk",
        /// Source `azureFile`.
        azure_file: Option<Opaque> = "azureFile",
        /// Source `awsElasticBlockStore`.
        aws_elastic_block_store: Option<Opaque> = "awsElasticBlockStore",
        /// Source `gcePersistentDisk`.
        gce_persistent_disk: Option<Opaque> = "gcePersistentDisk",
        /// Source `vsphereVolume`.
        vsphere_volume: Option<Opaque> = "vsphereVolume",
        /// Source `cephfs`.
        cephfs: Option<Opaque> = "cephfs",
        /// Source `rbd`.
        rbd: Option<Opaque> = "rbd",
        /// Source `cinder`.
        cinder: Option<Opaque> = "cinder",
        /// Source `glusterfs`.
        glusterfs: Option<Opaque> = "glusterfs",
        /// Source `flexVolume`.
        flex_volume: Option<Opaque> = "flexVolume",
        /// Source `flocker`.
        flocker: Option<Opaque> = "flocker",
        /// Source `gitRepo`.
        git_repo: Option<Opaque> = "gitRepo",
        /// Source `photonPersistentDisk`.
        photon_persistent_disk: Option<Opaque> = "photonPersistentDisk",
        /// Source `portworxVolume`.
        portworx_volume: Option<Opaque> = "portworxVolume",
        /// Source `quobyte`.
        quobyte: Option<Opaque> = "quobyte",
        /// Source `scaleIO`.
        scale_io: Option<Opaque> = "scaleIO",
        /// Source `storageos`.
        storageos: Option<Opaque> = "storageos",
    }
}
