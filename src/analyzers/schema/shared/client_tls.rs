//! TLS towards a service (rule 33).

use super::Report;
use crate::dialects::istio::types::{ClientTlsMode, ClientTlsSettings};
use crate::schema::Text;

/// Validates the settings when they are set.
pub fn check(report: &mut Report<'_>, tls: Option<&ClientTlsSettings>) {
    let Some(tls) = tls else { return };
    let mode = tls.mode.as_ref().map(|mode| mode.value);
    let credential = filled(tls.credential_name.as_ref());
    if tls.insecure_skip_verify.as_ref().is_some_and(|skip| skip.value) {
        skips_verification(report, tls, mode, credential);
    }
    config_map(report, credential);
    if let (Some(credential), Some(ClientTlsMode::Simple | ClientTlsMode::Mutual)) = (credential, mode) {
        let files = [&tls.client_certificate, &tls.private_key, &tls.ca_certificates, &tls.ca_crl];
        if let Some(file) = files.into_iter().find_map(|file| filled(file.as_ref())) {
            let source = report.meta.file;
            report
                .error(
                    file.place.entry(),
                    "`credentialName` brings key and certificates, so files must not be named too",
                )
                .related(source, credential.place.entry(), "the credential");
        }
        return;
    }
    if let (Some(ClientTlsMode::Mutual), Some(at)) = (mode, &tls.mode) {
        let needed = [("clientCertificate", &tls.client_certificate), ("privateKey", &tls.private_key)];
        let missing: Vec<_> = needed
            .iter()
            .filter(|(_, file)| filled(file.as_ref()).is_none())
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        if !missing.is_empty() {
            report.error(at.place.entry(), format!("the mode MUTUAL needs {}", missing.join(" and "))).help(
                "name the files, or a Secret under `credentialName`; for the mesh's own certificates use ISTIO_MUTUAL",
            );
        }
    }
}

/// A proxy that accepts any certificate has no use for authorities and names.
fn skips_verification(
    report: &mut Report<'_>,
    tls: &ClientTlsSettings,
    mode: Option<ClientTlsMode>,
    credential: Option<&Text>,
) {
    let credential = credential.filter(|_| mode == Some(ClientTlsMode::Simple)).map(|text| text.place);
    let places = [filled(tls.ca_certificates.as_ref()).map(|ca| ca.place), credential, tls.subject_alt_names.place];
    if matches!(mode, Some(ClientTlsMode::Simple | ClientTlsMode::Mutual))
        && let Some(place) = places.into_iter().flatten().next()
    {
        report
            .error(place.entry(), "`insecureSkipVerify` accepts any certificate, so this would never be used")
            .help("remove `insecureSkipVerify` to have certificates checked");
    }
}

/// `configmap://NAME` or `configmap://NAMESPACE/NAME` of the own namespace.
fn config_map(report: &mut Report<'_>, credential: Option<&Text>) {
    let Some((at, path)) = credential.and_then(|c| Some((c, c.as_str().strip_prefix("configmap://")?))) else { return };
    if let Some((namespace, _)) = path.split_once('/')
        && namespace != &*report.meta.namespace
    {
        report.error(
            at.span(),
            format!("the ConfigMap is in the namespace {namespace:?}; it must be in the object's own"),
        );
    }
}

fn filled(text: Option<&Text>) -> Option<&Text> {
    text.filter(|text| !text.as_str().is_empty())
}
