//! What the values of annotations must look like for the injector.

use ipnet::IpNet;

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Anything.
    Free,
    /// A boolean as Go reads one.
    Bool,
    /// A number of at most 32 bits.
    Uint,
    /// REDIRECT, TPROXY or NONE.
    Mode,
    /// Ports between commas.
    Ports,
    /// Ports between commas, or `*`.
    PortsOrStar,
    /// Address ranges between commas, or `*`.
    Cidrs,
}

impl Rule {
    /// What is wrong with a value, as a clause.
    pub(super) fn broken_by(self, value: &str) -> Option<String> {
        let parts = || value.split(',').map(str::trim).filter(|part| !part.is_empty());
        if value == "*" && matches!(self, Rule::PortsOrStar | Rule::Cidrs) {
            return None;
        }
        match self {
            Rule::Free => None,
            Rule::Bool => (!is_bool(value)).then(|| format!("`{value}` is no boolean")),
            Rule::Uint => value.parse::<u32>().is_err().then(|| format!("`{value}` is no number from 0 to 4294967295")),
            Rule::Mode => (!matches!(value, "REDIRECT" | "TPROXY" | "NONE"))
                .then(|| format!("`{value}` is none of REDIRECT, TPROXY and NONE")),
            Rule::Ports | Rule::PortsOrStar => {
                parts().find(|part| part.parse::<u16>().is_err()).map(|part| format!("`{part}` is no port"))
            }
            Rule::Cidrs => {
                parts().find(|part| part.parse::<IpNet>().is_err()).map(|part| format!("`{part}` is no CIDR range"))
            }
        }
    }
}

fn is_bool(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True" | "0" | "f" | "F" | "false" | "FALSE" | "False" | "")
}

#[cfg(test)]
mod tests {
    use super::Rule;

    #[test]
    fn values_keep_their_forms() {
        for (rule, value) in [
            (Rule::Bool, "true"),
            (Rule::Uint, "10"),
            (Rule::Mode, "TPROXY"),
            (Rule::Ports, "15020, 80"),
            (Rule::PortsOrStar, "*"),
            (Rule::Cidrs, "10.0.0.0/8,fd00::/8"),
            (Rule::Ports, ""),
        ] {
            assert_eq!(rule.broken_by(value), None, "{rule:?} {value}");
        }
        for (rule, value) in [
            (Rule::Bool, "yes"),
            (Rule::Uint, "bar"),
            (Rule::Mode, "redirect"),
            (Rule::Ports, "*"),
            (Rule::Ports, "70000"),
            (Rule::Cidrs, "10.0.0.1"),
        ] {
            assert!(rule.broken_by(value).is_some(), "{rule:?} {value}");
        }
    }
}
