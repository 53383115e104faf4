//! The identity in a certificate.

use x509_parser::extensions::GeneralName;

use crate::ir::Identity;

/// The identity of a certificate: its one URI name, of this trust domain, `spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/ACCOUNT`.
pub fn of_certificate(der: &[u8], trust_domain: &str) -> Result<Identity, &'static str> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).map_err(|_| "the certificate cannot be read")?;
    let names = certificate.subject_alternative_name().map_err(|_| "the certificate's names cannot be read")?;
    let names = names.ok_or("the certificate has no name")?;
    let uris: Vec<&str> = names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        })
        .collect();
    let [uri] = uris[..] else { return Err("the certificate must have one URI name") };
    of_id(uri, trust_domain).ok_or("the certificate's name is no identity of this mesh")
}

/// The parts of `spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/ACCOUNT`.
fn of_id(id: &str, trust_domain: &str) -> Option<Identity> {
    let path = id.strip_prefix("spiffe://")?.strip_prefix(trust_domain)?.strip_prefix("/ns/")?;
    let parts: Vec<&str> = path.split('/').collect();
    let [namespace, "sa", account] = parts[..] else { return None };
    let fits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    (fits(namespace) && fits(account)).then(|| Identity {
        namespace: namespace.into(),
        account: account.into(),
        service: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_of_the_mesh() {
        let good = of_id("spiffe://td/ns/a/sa/b", "td").unwrap();
        assert_eq!((&*good.namespace, &*good.account), ("a", "b"));
        for bad in [
            "spiffe://td2/ns/a/sa/b",
            "spiffe://td/ns/a/sa/b/c",
            "spiffe://td/ns//sa/b",
            "spiffe://td/ns/a/sa/",
            "spiffe://td/ns/a%2fb/sa/c",
            "https://td/ns/a/sa/b",
            "spiffe://td",
        ] {
            assert_eq!(of_id(bad, "td"), None, "{bad}");
        }
    }
}
