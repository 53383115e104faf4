//! Which parts of the generated configuration a patch of an EnvoyFilter is for.

use crate::dialects::istio::types::{
    EnvoyConfigObjectMatch, FilterChainMatch, ListenerMatch, PatchContext as Said, RouteAction, RouteConfigurationMatch,
};
use crate::ir::{Name, PatchContext, PatchMatch};
use crate::schema::{Int, Text, values::text_or_empty};

/// The conditions, or why they cannot be told.
pub fn conditions(said: &EnvoyConfigObjectMatch) -> Result<PatchMatch, &'static str> {
    let context = match said.context.as_ref().map(|context| context.value) {
        None | Some(Said::Any) => PatchContext::Any,
        Some(Said::SidecarInbound) => PatchContext::Inbound,
        Some(Said::SidecarOutbound) => PatchContext::Outbound,
        Some(Said::Gateway) => PatchContext::Gateway,
        Some(Said::Waypoint) => return Err("there are no waypoints"),
    };
    let mut out = PatchMatch { context, ..PatchMatch::default() };
    if said.waypoint.is_some() {
        return Err("there are no waypoints");
    }
    if let Some(proxy) = &said.proxy {
        out.proxy_version = text(proxy.proxy_version.as_ref());
        out.proxy_metadata = proxy.metadata.pairs().map(|(key, value)| (key.into(), value.into())).collect();
    }
    if let Some(own) = &said.listener {
        listener(own, &mut out)?;
    }
    if let Some(own) = &said.route_configuration {
        routes(own, &mut out)?;
    }
    if let Some(own) = &said.cluster {
        out.port = port(own.port_number.as_ref())?;
        out.service = text(own.service.as_ref());
        out.subset = text(own.subset.as_ref());
        out.cluster = text(own.name.as_ref());
    }
    Ok(out)
}

fn listener(said: &ListenerMatch, out: &mut PatchMatch) -> Result<(), &'static str> {
    out.listener = text(said.name.as_ref());
    out.port = port(said.port_number.as_ref())?;
    out.port_name = text(said.port_name.as_ref());
    out.listener_filter = text(said.listener_filter.as_ref());
    said.filter_chain.as_ref().map_or(Ok(()), |chain| filter_chain(chain, out))
}

fn filter_chain(said: &FilterChainMatch, out: &mut PatchMatch) -> Result<(), &'static str> {
    out.chain = text(said.name.as_ref());
    out.server_name = text(said.sni.as_ref());
    out.transport_protocol = text(said.transport_protocol.as_ref());
    out.application_protocols = text(said.application_protocols.as_ref());
    out.destination_port = port(said.destination_port.as_ref())?;
    if let Some(filter) = &said.filter {
        out.filter = text(filter.name.as_ref());
        out.sub_filter = filter.sub_filter.as_ref().and_then(|sub| text(sub.name.as_ref()));
    }
    Ok(())
}

fn routes(said: &RouteConfigurationMatch, out: &mut PatchMatch) -> Result<(), &'static str> {
    out.route_configuration = text(said.name.as_ref());
    out.port = port(said.port_number.as_ref())?;
    out.port_name = text(said.port_name.as_ref());
    out.gateway = text(said.gateway.as_ref());
    let Some(host) = &said.vhost else { return Ok(()) };
    if text(host.domain_name.as_ref()).is_some() {
        return Err("virtual hosts are matched by their name, not by a domain");
    }
    out.virtual_host = text(host.name.as_ref());
    if let Some(route) = &host.route {
        out.route = text(route.name.as_ref());
        let action = route.action.as_ref().map(|action| action.value).filter(|action| *action != RouteAction::Any);
        out.route_action = action.map(|action| action.word().into());
    }
    Ok(())
}

/// Zero and nothing are any port.
fn port(number: Option<&Int>) -> Result<Option<u16>, &'static str> {
    let number = number.map_or(0, |number| number.value);
    let port = u16::try_from(number).map_err(|_| "there is no such port")?;
    Ok(Some(port).filter(|port| *port > 0))
}

fn text(text: Option<&Text>) -> Option<Name> {
    Some(text_or_empty(text)).filter(|text| !text.is_empty()).map(Into::into)
}
