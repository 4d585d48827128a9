() => ({ submit_btn: true, stop_btn: false, __type__: "update" })
