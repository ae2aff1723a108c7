"""An import-linter contract: "only these modules may import that package", stated once for the whole code base.

import-linter's own `forbidden` contract needs the list of everybody else, which a new module silently escapes.
"""

from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyImporters(Contract):
    """Direct imports of `packages` (outside ours) are allowed in `importers` and the modules below them, nowhere else.

    An import inside a function counts too. What a module gets through another one is not this contract's business.
    """

    type_name = "only"

    packages = fields.ListField(subfield=fields.StringField())
    importers = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Broken when anybody else imports one of the packages; the metadata lists who, and the line."""
        allowed = _names(self.importers)
        wrong: list[str] = []
        for package in _names(self.packages):
            if package not in graph.modules:
                continue
            for importer in sorted(graph.find_modules_that_directly_import(package)):
                if not any(importer == name or importer.startswith(name + ".") for name in allowed):
                    details = graph.get_import_details(importer=importer, imported=package)
                    wrong += [f"{importer}:{detail['line_number']}: {detail['line_contents']}" for detail in details]
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def render_broken_contract(self, check: ContractCheck) -> None:
        output.print_error(f"Only {', '.join(_names(self.importers)) or 'nobody'} may do this:")
        for line in check.metadata["wrong"]:
            output.print_error(f"  {line}", bold=False)


def _names(field: Any) -> list[str]:
    # The linter replaces each declared field by the list read from pyproject.toml; the types know only the declaration.
    return list(field or ())
