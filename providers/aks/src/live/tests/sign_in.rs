//! Which credentials are tried, and what is said when none works.

use super::{Fake, Run, SECRET, SUB, TOKEN, page};
use pullaudit_core::{DiscoverError, Scope};

async fn refusal(run: &Run) -> (String, String, String, String) {
    let error = run.live.discover(&Scope::all()).await.unwrap_err();
    let text = format!("{error} {error:?}");
    match error {
        DiscoverError::Credentials { detail, tried, next, .. } => (detail, tried, next, text),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_wrong_secret_is_told_without_the_secret_and_nothing_else_is_tried() {
    let said = r#"{"error":"invalid_client","error_codes":[7000215],"error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: x"}"#;
    let fake = Fake::new(move |_, _| (401, said.to_owned()));
    let run = Run::with(fake, &[], &[("AZURE_AUTHORITY_HOST", "https://login.broken.example")]);
    let (detail, tried, next, text) = refusal(&run).await;
    assert!(detail.contains("AADSTS7000215: Invalid client secret provided."), "{detail}");
    assert_eq!(tried, "client secret (AZURE_CLIENT_SECRET)");
    assert!(next.contains("AZURE_CLIENT_ID"), "{next}");
    assert!(!text.contains(SECRET) && !text.contains("Trace ID"), "{text}");
}

#[tokio::test]
async fn a_variable_that_is_missing_is_named() {
    let run = Run::with(Fake::table(vec![]), &[], &[("AZURE_TENANT_ID", "")]);
    assert_eq!(refusal(&run).await.0, "AZURE_TENANT_ID is not set");
    let run = Run::with(Fake::table(vec![]), &[], &[("AZURE_FEDERATED_TOKEN_FILE", "/nowhere/token")]);
    let (detail, tried, ..) = refusal(&run).await;
    assert!(detail.contains("/nowhere/token"), "{detail}");
    assert_eq!(tried, "workload identity (AZURE_FEDERATED_TOKEN_FILE)");
}

#[tokio::test]
async fn an_answer_without_a_token_is_not_repeated() {
    let fake = Fake::new(|_, _| (200, format!(r#"{{"access_token":["{TOKEN}"]}}"#)));
    let run = Run::with(fake, &[], &[("AZURE_AUTHORITY_HOST", "https://login.broken.example")]);
    let (detail, _, _, text) = refusal(&run).await;
    assert_eq!(detail, "the answer holds no token");
    assert!(!text.contains(TOKEN), "{text}");
}

#[tokio::test]
async fn rejected_tokens_are_an_error_of_the_credentials() {
    let said = r#"{"error":{"code":"InvalidAuthenticationToken","message":"The access token is invalid."}}"#;
    let run = Run::new(Fake::new(move |_, _| (401, said.to_owned())));
    assert_eq!(refusal(&run).await.0, "InvalidAuthenticationToken: The access token is invalid.");
}

#[tokio::test]
async fn a_virtual_machine_signs_in_as_the_identity_that_is_meant() {
    let run = Run::with(
        Fake::new(|line, _| {
            if !line.contains("169.254.169.254") {
                return (200, page(""));
            }
            assert!(line.contains("client_id=dddddddd") && line.contains("management.azure.com"), "{line}");
            let ends = "4102444800";
            (
                200,
                format!(
                    r#"{{"access_token":"{TOKEN}","expires_on":"{ends}","token_type":"Bearer","resource":""}}"#
                ),
            )
        }),
        &[SUB],
        &[("AZURE_CLIENT_SECRET", "")],
    );
    run.live.discover(&Scope::all()).await.unwrap();
    assert_eq!(run.count("entra").attempts, 1);
}

#[tokio::test]
async fn where_nothing_answers_the_network_is_to_be_checked() {
    let mut run = Run::with(Fake::table(vec![]), &[], &[("AZURE_AUTHORITY_HOST", "https://127.0.0.1:1")]);
    run.live.wire = None;
    let (detail, _, next, text) = refusal(&run).await;
    assert!(detail.starts_with("no connection to 127.0.0.1: "), "{detail}");
    assert!(next.contains("HTTPS_PROXY") && next.contains("SSL_CERT_FILE"), "{next}");
    assert!(!text.contains(SECRET), "{text}");
}
