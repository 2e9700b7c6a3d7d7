"""``biolab ui``: stock MLflow on the store that runs were written to."""

from .options import AsJson, StoreOptions, print_json


def ui(
    store: StoreOptions | None = None, *, host: str = "127.0.0.1", port: int = 5000, as_json: AsJson = False
) -> None:
    """Open MLflow on the store; stop it with Ctrl-C.

    Parameters
    ----------
    host
        Address to listen on; the default is reachable from this machine only.
    port
        Port to listen on.
    """
    from biolab.tracking import serve_ui, ui_command

    opened = (store or StoreOptions()).open()
    if as_json:
        print_json({"command": ui_command(opened, host=host, port=port), "url": f"http://{host}:{port}"})
        return
    print(f"MLflow: http://{host}:{port}/#/experiments  (Ctrl-C stops it)", flush=True)
    serve_ui(opened, host=host, port=port)
