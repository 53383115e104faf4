//! The built-in descriptor set is what the `.proto` files say. `make generate` rewrites it (UPDATE=1).

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use prost::Message as _;

/// Files of envoy-types that hold messages the proxy reads; what they import comes along.
const ROOTS: &[&str] = &[
    "envoy/config/bootstrap/v3/bootstrap.proto",
    "envoy/config/cluster/v3/cluster.proto",
    "envoy/config/common/matcher/v3/matcher.proto",
    "envoy/config/common/mutation_rules/v3/mutation_rules.proto",
    "envoy/config/endpoint/v3/endpoint.proto",
    "envoy/config/grpc_credential/v3/file_based_metadata.proto",
    "envoy/config/listener/v3/listener.proto",
    "envoy/config/overload/v3/overload.proto",
    "envoy/config/rbac/v3/rbac.proto",
    "envoy/config/route/v3/route.proto",
    "envoy/config/route/v3/scoped_route.proto",
    "envoy/config/trace/v3/opentelemetry.proto",
    "envoy/config/trace/v3/zipkin.proto",
    "envoy/data/accesslog/v3/accesslog.proto",
    "envoy/extensions/access_loggers/file/v3/file.proto",
    "envoy/extensions/access_loggers/filters/cel/v3/cel.proto",
    "envoy/extensions/access_loggers/grpc/v3/als.proto",
    "envoy/extensions/access_loggers/open_telemetry/v3/logs_service.proto",
    "envoy/extensions/access_loggers/stream/v3/stream.proto",
    "envoy/extensions/bootstrap/internal_listener/v3/internal_listener.proto",
    "envoy/extensions/clusters/dns/v3/dns_cluster.proto",
    "envoy/extensions/clusters/original_dst/v3/original_dst.proto",
    "envoy/extensions/common/matching/v3/extension_matcher.proto",
    "envoy/extensions/filters/common/fault/v3/fault.proto",
    "envoy/extensions/filters/http/buffer/v3/buffer.proto",
    "envoy/extensions/filters/http/cors/v3/cors.proto",
    "envoy/extensions/filters/http/ext_authz/v3/ext_authz.proto",
    "envoy/extensions/filters/http/fault/v3/fault.proto",
    "envoy/extensions/filters/http/grpc_stats/v3/config.proto",
    "envoy/extensions/filters/http/grpc_web/v3/grpc_web.proto",
    "envoy/extensions/filters/http/header_mutation/v3/header_mutation.proto",
    "envoy/extensions/filters/http/health_check/v3/health_check.proto",
    "envoy/extensions/filters/http/jwt_authn/v3/config.proto",
    "envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.proto",
    "envoy/extensions/filters/http/ratelimit/v3/rate_limit.proto",
    "envoy/extensions/filters/http/rbac/v3/rbac.proto",
    "envoy/extensions/filters/http/router/v3/router.proto",
    "envoy/extensions/filters/http/set_filter_state/v3/set_filter_state.proto",
    "envoy/extensions/filters/http/stateful_session/v3/stateful_session.proto",
    "envoy/extensions/filters/http/upstream_codec/v3/upstream_codec.proto",
    "envoy/extensions/filters/http/wasm/v3/wasm.proto",
    "envoy/extensions/filters/listener/http_inspector/v3/http_inspector.proto",
    "envoy/extensions/filters/listener/original_dst/v3/original_dst.proto",
    "envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.proto",
    "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.proto",
    "envoy/extensions/filters/network/connection_limit/v3/connection_limit.proto",
    "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto",
    "envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit.proto",
    "envoy/extensions/filters/network/rbac/v3/rbac.proto",
    "envoy/extensions/filters/network/set_filter_state/v3/set_filter_state.proto",
    "envoy/extensions/filters/network/sni_cluster/v3/sni_cluster.proto",
    "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto",
    "envoy/extensions/filters/network/wasm/v3/wasm.proto",
    "envoy/extensions/http/stateful_session/cookie/v3/cookie.proto",
    "envoy/extensions/http/stateful_session/header/v3/header.proto",
    "envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3/client_side_weighted_round_robin.proto",
    "envoy/extensions/load_balancing_policies/cluster_provided/v3/cluster_provided.proto",
    "envoy/extensions/load_balancing_policies/least_request/v3/least_request.proto",
    "envoy/extensions/load_balancing_policies/maglev/v3/maglev.proto",
    "envoy/extensions/load_balancing_policies/override_host/v3/override_host.proto",
    "envoy/extensions/load_balancing_policies/random/v3/random.proto",
    "envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash.proto",
    "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.proto",
    "envoy/extensions/load_balancing_policies/subset/v3/subset.proto",
    "envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality.proto",
    "envoy/extensions/matching/common_inputs/network/v3/network_inputs.proto",
    "envoy/extensions/matching/common_inputs/ssl/v3/ssl_inputs.proto",
    "envoy/extensions/matching/input_matchers/consistent_hashing/v3/consistent_hashing.proto",
    "envoy/extensions/matching/input_matchers/ip/v3/ip.proto",
    "envoy/extensions/matching/input_matchers/metadata/v3/metadata.proto",
    "envoy/extensions/matching/input_matchers/runtime_fraction/v3/runtime_fraction.proto",
    "envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.proto",
    "envoy/extensions/network/dns_resolver/getaddrinfo/v3/getaddrinfo_dns_resolver.proto",
    "envoy/extensions/path/match/uri_template/v3/uri_template_match.proto",
    "envoy/extensions/path/rewrite/uri_template/v3/uri_template_rewrite.proto",
    "envoy/extensions/rbac/principals/mtls_authenticated/v3/mtls_authenticated.proto",
    "envoy/extensions/request_id/uuid/v3/uuid.proto",
    "envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections.proto",
    "envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections.proto",
    "envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap.proto",
    "envoy/extensions/retry/host/omit_canary_hosts/v3/omit_canary_hosts.proto",
    "envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config.proto",
    "envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.proto",
    "envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config.proto",
    "envoy/extensions/tracers/opentelemetry/resource_detectors/v3/environment_resource_detector.proto",
    "envoy/extensions/tracers/opentelemetry/resource_detectors/v3/static_config_resource_detector.proto",
    "envoy/extensions/tracers/opentelemetry/samplers/v3/always_on_sampler.proto",
    "envoy/extensions/tracers/opentelemetry/samplers/v3/parent_based_sampler.proto",
    "envoy/extensions/tracers/opentelemetry/samplers/v3/trace_id_ratio_based_sampler.proto",
    "envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream.proto",
    "envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.proto",
    "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.proto",
    "envoy/extensions/transport_sockets/tls/v3/tls.proto",
    "envoy/extensions/upstreams/http/v3/http_protocol_options.proto",
    "envoy/extensions/upstreams/tcp/v3/tcp_protocol_options.proto",
    "envoy/service/discovery/v3/discovery.proto",
    "envoy/type/matcher/v3/http_inputs.proto",
    "validate/validate.proto",
    "xds/type/matcher/v3/matcher.proto",
];

fn manifest() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo keeps the sources of envoy-types.
fn envoy_protos() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--filter-platform",
            &format!("{}-unknown-linux-gnu", std::env::consts::ARCH),
        ])
        .current_dir(manifest())
        .output()
        .expect("cargo metadata runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("cargo metadata lists packages");
    let package = packages.iter().find(|package| package["name"] == "envoy-types").expect("envoy-types is locked");
    Path::new(package["manifest_path"].as_str().expect("a path")).parent().expect("a folder").join("proto")
}

/// The `.proto` files of this crate, relative to `proto/`.
fn own_protos(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("proto/ is there").map(|entry| entry.expect("readable").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            own_protos(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path.strip_prefix(manifest().join("proto")).expect("inside").to_path_buf());
        }
    }
}

fn compile() -> Vec<u8> {
    let mut includes = vec![manifest().join("proto")];
    let mut groups: Vec<PathBuf> =
        std::fs::read_dir(envoy_protos()).expect("protos").map(|entry| entry.expect("readable").path()).collect();
    groups.sort();
    includes.extend(groups);
    let mut roots: Vec<PathBuf> = ROOTS.iter().map(PathBuf::from).collect();
    own_protos(&manifest().join("proto"), &mut roots);
    // protox resolves `common.ratelimit` against packages that the file does not import, protoc does not: the fault
    // filter's `filters.common` package must not be in sight when the rate limit filters are compiled.
    let (fault, others) = roots.into_iter().partition::<Vec<_>, _>(|root| root.to_string_lossy().contains("fault"));
    let mut files = BTreeMap::new();
    for roots in [others, fault] {
        let mut compiler = protox::Compiler::new(&includes).unwrap_or_else(|error| panic!("{error:?}"));
        compiler.include_imports(true).include_source_info(false);
        compiler.open_files(&roots).unwrap_or_else(|error| panic!("{error:?}"));
        // The typed form of a set would lose the options that are extensions: the rules for values of fields.
        let set = FileSet::decode(compiler.encode_file_descriptor_set().as_slice()).expect("it was just encoded");
        for file in set.files {
            let (name, file) = without_services(&file);
            files.entry(name).or_insert(file);
        }
    }
    FileSet { files: files.into_values().collect() }.encode_to_vec()
}

/// A set of descriptors whose files stay bytes.
#[derive(Clone, PartialEq, prost::Message)]
struct FileSet {
    #[prost(bytes = "vec", repeated, tag = "1")]
    files: Vec<Vec<u8>>,
}

/// Name and bytes of a file's descriptor without what the proxy does not read.
fn without_services(file: &[u8]) -> (String, Vec<u8>) {
    let known = prost_reflect::DescriptorPool::global();
    let descriptor = known.get_message_by_name("google.protobuf.FileDescriptorProto").expect("it is always known");
    let mut file = prost_reflect::DynamicMessage::decode(descriptor, file).expect("it was just encoded");
    file.clear_field_by_name("service");
    let name = file.get_field_by_name("name").and_then(|name| name.as_str().map(str::to_string));
    (name.expect("files have names"), file.encode_to_vec())
}

#[test]
fn built_in_descriptors_are_fresh() {
    let path = manifest().join("proto/envoy.binpb.gz");
    let wanted = compile();
    if std::env::var_os("UPDATE").is_some() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&wanted).expect("memory takes it");
        std::fs::write(&path, packed.finish().expect("memory takes it")).expect("proto/ can be written");
        return;
    }
    let mut found = Vec::new();
    let packed = std::fs::read(&path).expect("proto/envoy.binpb.gz is checked in");
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut found).expect("it is gzip");
    assert!(found == wanted, "proto/envoy.binpb.gz is stale: run `make generate` and commit the result");
}
