//! Options that say which tunnels are looked into.

use clap::Args as ClapArgs;

use crate::config::{Decapsulation, TunnelKind};

use super::failure::Failure;

#[derive(Debug, ClapArgs)]
pub(super) struct TunnelArgs {
    /// Look into tunnels, so that rows are of the innermost packet: `all`, or some of vxlan, geneve, gre, erspan, gtpu, ipip,
    /// l2tp, tzsp, mplsudp and teredo, with commas between
    #[arg(long, value_name = "KINDS", env = "PARCAP_DECAPSULATE", default_value = "", hide_default_value = true)]
    decapsulate: Decapsulation,
    /// A UDP port by which a kind of tunnel is known too, such as vxlan=14789; several with commas between
    #[arg(long, value_name = "KIND=PORT", env = "PARCAP_TUNNEL_PORT", value_delimiter = ',', value_parser = tunnel_port)]
    tunnel_port: Vec<(TunnelKind, u16)>,
}

impl TunnelArgs {
    /// What is looked into.
    pub(super) fn decapsulation(&self) -> Result<Decapsulation, Failure> {
        let asked = self.decapsulate.clone();
        self.tunnel_port.iter().try_fold(asked, |tunnels, &(kind, port)| {
            tunnels.with_port(kind, port).map_err(|problem| {
                let hint = format!("`--decapsulate all`, or `--decapsulate {}`, looks into such tunnels", kind.name());
                let hint = if kind.is_over_udp() { hint } else { "ports are for tunnels over UDP".to_owned() };
                Failure::usage(&format!("`--tunnel-port {}={port}`: {problem}", kind.name()), &hint)
            })
        })
    }
}

/// `vxlan=14789`.
fn tunnel_port(text: &str) -> Result<(TunnelKind, u16), String> {
    let (kind, port) = text.split_once('=').ok_or("give a kind and a port, such as vxlan=14789")?;
    let port = port.parse().ok().filter(|port| *port > 0).ok_or("a port is a number from 1 to 65535")?;
    Ok((kind.parse()?, port))
}
