//! Commands in scripts and Markdown: what no longer works, does something else, or is unsafe.

pub mod ambiguous_kind;
pub mod appmesh_closed;
pub mod argument_missing;
pub mod command_deprecated;
pub mod command_removed;
pub mod consul_open;
pub mod controller_metadata;
pub mod gateway_api_missing;
pub mod install_script_outdated;
mod invocation;
pub mod kind_absent;
mod knowledge;
pub mod metadata_mixed_up;
pub mod placeholder;
pub mod profile_not_set;
pub mod prompt_without_input;
pub mod service_account_assumed;
pub mod shell_in_yaml_fence;
pub mod shows_other;
pub mod unpinned_download;
pub mod unpinned_ref;
pub mod value_without_use;
pub mod version_unsupported;
