//! `twinops portal`, and the portal of `hub` and `up`: pages over a hub's REST API, and a link to sign in by.

mod folder;
mod propose;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

pub(super) use folder::Folder;

use crate::{
    cli::{
        Exit, Failure, Printer,
        access::Access,
        args::{PagesArgs, PortalArgs, SignInArgs},
        listen, login,
        prepare::Desk,
    },
    client::{HubClient, IssuerConfig, SignIn},
    hub::{
        CertificateFiles,
        web::{MANY, Tls},
    },
    portal::{Accounts, Portal, Role, Settings},
    task::{Group, Stop},
};

/// What a portal is started with.
pub(super) struct Start<'a> {
    pub(super) hub: HubClient,
    /// The hub's name, for people.
    pub(super) name: String,
    pub(super) folder: Folder,
    pub(super) listen: SocketAddr,
    pub(super) certificate: Option<CertificateFiles>,
    pub(super) pages: &'a PagesArgs,
}

/// Serves until asked to stop.
pub(crate) async fn run(args: &PortalArgs, desk: &Desk<'_>, stop: &Stop) -> Result<Exit, Failure> {
    let folder = Folder::new(desk.root, &args.repo.revision);
    let declared = folder.hostname();
    let mut access = args.hub.clone();
    if access.host.is_none() && access.connection_string_file.is_none() {
        access.host = declared.filter(|_| !login::is_given(&args.hub));
    }
    let (hub, name) = login::named_hub(Access { hub: &access, ca: desk.ca })?;
    let certificate = args.listen_cert.clone().zip(args.listen_key.clone());
    let certificate = certificate.map(|(chain, key)| CertificateFiles { chain, key });
    let mut group = Group::new(stop.child());
    let start = Start { hub, name, folder, listen: args.listen, certificate, pages: &args.pages };
    let address = start.serve(&mut group, desk.printer).await?;
    desk.printer.result(|out| writeln!(out, "portal {address}\nready"))?;
    stop.requested().await;
    group.finish().await;
    Ok(Exit::Done)
}

impl Start<'_> {
    /// Serves until the group ends; where.
    pub(super) async fn serve(self, group: &mut Group, printer: &Printer) -> Result<String, Failure> {
        let Self { hub, name, folder, listen, certificate, pages } = self;
        let tls = certificate.as_ref().map(Tls::new).transpose()?;
        if tls.is_none() && !listen.ip().is_loopback() {
            let message = format!("{listen} can be reached by others, and there is no certificate");
            return Err(Failure::usage(message).help(
                "give one, or listen at 127.0.0.1 behind a proxy that has one, and name its address with `--url`",
            ));
        }
        let is_https = |url: &String| url.starts_with("https://");
        let settings = Settings {
            hub: name,
            facets: pages.facets.clone(),
            every: pages.refresh,
            audit: pages.audit.clone(),
            history: pages.history.clone(),
            secure: tls.is_some() || pages.url.as_ref().is_some_and(is_https),
            accounts: accounts(&pages.sign_in, pages.url.as_deref().unwrap_or_default())?,
        };
        let has_links = settings.accounts.is_none();
        let portal = Portal::new(hub, Box::new(folder.proposing(pages.forge.wishes())), settings)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let bound = listen::serve(listen, Arc::clone(&portal).routes(), tls, MANY, group).await?;
        let address = pages.url.clone().unwrap_or_else(|| format!("{scheme}://{bound}"));
        let address = address.trim_end_matches('/').to_owned();
        let stop = group.stop().clone();
        group.spawn("portal", Arc::clone(&portal).keep_fresh(stop.clone()));
        // Whoever reads the log is not whoever may sign in.
        if has_links {
            group.spawn("links", links(portal, pages.link_role, address.clone(), printer.clone(), stop));
        }
        Ok(address)
    }
}

/// Those who may sign in at an issuer.
fn accounts(args: &SignInArgs, address: &str) -> Result<Option<Accounts>, Failure> {
    let SignInArgs { issuer, client, secret_file, claim, roles, ca } = args;
    let Some((issuer, client_id)) = issuer.clone().zip(client.clone()) else { return Ok(None) };
    let secret = secret_file.as_ref().map(|path| {
        let text = std::fs::read_to_string(path);
        text.map_err(|cause| SecretError { path: path.clone(), cause })
    });
    let client_secret = secret.transpose()?.map(|text| text.trim().to_owned());
    let issuer = SignIn::new(IssuerConfig { issuer, client_id, client_secret, ca: ca.clone() })?;
    Ok(Some(Accounts::new(issuer, address, claim, roles.clone())))
}

#[derive(Debug, thiserror::Error)]
#[error("cannot read the secret in `{}`", path.display())]
struct SecretError {
    path: PathBuf,
    #[source]
    cause: std::io::Error,
}

/// Prints a link to sign in by, and another one whenever it was used.
async fn links(portal: Arc<Portal>, role: Role, address: String, printer: Printer, stop: Stop) {
    loop {
        match portal.link(role) {
            Ok(path) => printer.say(format_args!("sign in (works once)  {address}{path}")),
            Err(error) => printer.warn(format_args!("nobody can sign in: {error}")),
        }
        if stop.unless(portal.link_used()).await.is_none() {
            return;
        }
    }
}
