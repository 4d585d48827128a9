() => [new URLSearchParams(location.search).get("conversation") ?? ""]
