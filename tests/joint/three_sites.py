"""Three made-up institutions on three computers: a folder, a key and a store each, and what they send each other."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from biolab.joint import (
    OneSite,
    PrivateIdentity,
    Protocol,
    SiteValidation,
    create_identity,
    export_site,
    identity_folder,
    import_bundle,
    run_one_site,
    validate_one_site,
)
from biolab.tracking import Store, embedded_store

HERE = Path(__file__).resolve().parent
SITES = ("north", "south", "east")


def write_experiment(folder: Path, keys: Mapping[str, str], *, exchange: str = "pairs") -> Path:
    """Write the made-up protocol with a third institution, two Cox models and the sites' keys; return its folder."""
    text = (HERE / "two-made-up-sites" / "protocol.toml").read_text(encoding="utf-8")
    boosted = text[text.index('[[models]]\nkind = "boosted_hazard"') : text.index("[codebook.patient]")]
    text = text.replace(boosted, "").replace('penalty = { kind = "ridge", strengths = [0.1, 10], folds = 3 }\n', "")
    text = text.replace('name = "ridge"', 'name = "full"')
    text = text.replace('reference = "age"\n', f'reference = "age"\nexchange = [{exchange}]\n')
    north = text[text.index("[sites.north]") : text.index("[sites.south]")]
    text += "\n" + north.replace("sites.north", "sites.east")
    for site, key in keys.items():
        text = re.sub(rf"(?m)^\[sites\.{site}\]$", f'[sites.{site}]\npublic_key = "{key}"', text)
    folder.mkdir(parents=True)
    (folder / "protocol.toml").write_text(text, encoding="utf-8")
    return folder


@dataclass(frozen=True, kw_only=True)
class Institution:
    """One institution's computer."""

    protocol: Protocol
    identity: PrivateIdentity
    file: Path
    home: Path

    @property
    def site(self) -> str:
        """Name of the site."""
        return self.identity.site

    @property
    def folder(self) -> Path:
        """Where its key is."""
        return identity_folder(self.site, self.home)

    @property
    def output(self) -> Path:
        """Where its store is."""
        return self.home / "output"

    @property
    def store(self) -> Store:
        """Its own store."""
        return embedded_store(self.output)

    def run(self) -> OneSite:
        """Run its part."""
        return run_one_site(self.protocol, self.store, site=self.site, file=self.file, identity=self.identity)

    def validate(
        self, *, store: Store | None = None, source: Store | None = None, again: bool = False
    ) -> SiteValidation:
        """Judge the models of the others."""
        return validate_one_site(
            self.protocol,
            store or self.store,
            site=self.site,
            file=self.file,
            source=source,
            identity=self.identity,
            again=again,
        )

    def export(self, name: str) -> Path:
        """Write a bundle of everything it has."""
        path = self.home / f"{self.site}-{name}.zip"
        return export_site(self.store, self.protocol.name, self.identity, path, folder=self.folder, file=self.file).path

    def take(self, *bundles: Path) -> None:
        """Import bundles of others into its own store."""
        for bundle in bundles:
            import_bundle(self.store, bundle, self.protocol)


def institutions(place: Path, files: Mapping[str, Path]) -> dict[str, Institution]:
    """Give each institution a home with a key, and all of them one protocol that names the keys."""
    people = {site: create_identity(site, identity_folder(site, place / site)) for site in SITES}
    keys = {site: identity.public_key for site, identity in people.items()}
    folder = write_experiment(place / "experiments" / "made-up", keys, exchange='"pairs", "pooled"')
    protocol = Protocol.load(folder)
    return {
        site: Institution(protocol=protocol, identity=identity, file=files[site], home=place / site)
        for site, identity in people.items()
    }
