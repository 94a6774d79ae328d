//! The kubeconfig that Azure hands to users of a cluster.

use serde::Deserialize;

/// How a kubeconfig logs in. It is neither printed nor compared: it may hold a secret.
pub(crate) enum Login {
    /// By a token of Entra for the API servers of AKS.
    Entra,
    /// By a token that stands in it.
    Token(String),
    /// By a client certificate alone.
    Certificate,
    /// Not at all.
    Nothing,
}

/// What of a kubeconfig leads to an API.
pub(crate) struct Kubeconfig {
    pub(crate) server: String,
    /// Base64 of PEM.
    pub(crate) ca: String,
    pub(crate) login: Login,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    clusters: Vec<Named>,
    contexts: Vec<Named>,
    users: Vec<Named>,
    #[serde(default)]
    current_context: String,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    cluster: Option<ClusterEntry>,
    #[serde(default)]
    context: Option<ContextEntry>,
    #[serde(default)]
    user: Option<UserEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ClusterEntry {
    server: String,
    #[serde(default)]
    certificate_authority_data: Option<String>,
}

#[derive(Deserialize)]
struct ContextEntry {
    cluster: String,
    user: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct UserEntry {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    client_certificate_data: Option<String>,
    /// `kubelogin`, or the provider that it replaced.
    #[serde(default, alias = "auth-provider")]
    exec: Option<serde::de::IgnoredAny>,
}

impl Kubeconfig {
    /// Reads the current context, or the only one. What is wrong is told without the parser's words: they
    /// may repeat a key.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let file: File = serde_saphyr::from_str(text).map_err(|_| "its kubeconfig is not one")?;
        let contexts = file.contexts.iter();
        let mut current =
            contexts.filter(|one| file.current_context.is_empty() || one.name == file.current_context);
        let context =
            current.next().and_then(|one| one.context.as_ref()).ok_or("its kubeconfig has no context")?;
        let cluster = file.clusters.into_iter().find(|one| one.name == context.cluster);
        let cluster = cluster.and_then(|one| one.cluster).ok_or("its kubeconfig has no cluster")?;
        let user = file.users.into_iter().find(|one| one.name == context.user);
        let user = user.and_then(|one| one.user).ok_or("its kubeconfig has no user")?;
        let ca = cluster.certificate_authority_data.ok_or("its kubeconfig has no certificate authority")?;
        let login = match user {
            UserEntry { exec: Some(_), .. } => Login::Entra,
            UserEntry { token: Some(token), .. } if !token.is_empty() => Login::Token(token),
            UserEntry { client_certificate_data: Some(_), .. } => Login::Certificate,
            UserEntry { .. } => Login::Nothing,
        };
        Ok(Self { server: cluster.server, ca, login })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: prod\npreferences: {{}}\nclusters:\n- name: other\n  \
             cluster: {{server: 'https://other'}}\n- name: prod\n  cluster:\n    \
             certificate-authority-data: Q0E=\n    server: https://prod.hcp.westeurope.azmk8s.io:443\ncontexts:\n\
             - name: prod\n  context: {{cluster: prod, user: clusterUser_g_prod}}\nusers:\n\
             - name: clusterUser_g_prod\n  user:\n{user}"
        )
    }

    fn login(user: &str) -> Result<Login, &'static str> {
        Kubeconfig::parse(&config(user)).map(|found| found.login)
    }

    #[test]
    fn the_current_context_leads_to_the_server() -> Result<(), &'static str> {
        let found = Kubeconfig::parse(&config("    token: t0ken\n    client-key-data: S0VZ\n"))?;
        assert_eq!(
            (found.server.as_str(), found.ca.as_str()),
            ("https://prod.hcp.westeurope.azmk8s.io:443", "Q0E=")
        );
        assert!(matches!(found.login, Login::Token(token) if token == "t0ken"));
        Ok(())
    }

    #[test]
    fn entra_comes_before_what_else_stands_there() {
        let exec = "    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      command: kubelogin\n      \
                    args: [get-token, --login, devicecode]\n      env: null\n";
        assert!(matches!(login(exec), Ok(Login::Entra)));
        let old = "    auth-provider:\n      name: azure\n      config: {apiserver-id: x}\n    token: t\n";
        assert!(matches!(login(old), Ok(Login::Entra)));
        assert!(matches!(
            login("    client-certificate-data: QQ==\n    client-key-data: QQ==\n"),
            Ok(Login::Certificate)
        ));
        assert!(matches!(login("    token: ''\n"), Ok(Login::Nothing)));
    }

    #[test]
    fn what_is_wrong_is_told_without_what_stands_there() {
        for text in ["", "SECRET", "clusters: [SECRET]", "{", "clusters: []\ncontexts: []\nusers: []\n"] {
            let why = Kubeconfig::parse(text).map(|_| ()).err().unwrap_or_default();
            assert!(why.starts_with("its kubeconfig") && !why.contains("SECRET"), "{text}: {why}");
        }
    }
}
