() => ({ open: window.innerWidth >= 1100, __type__: "update" })
