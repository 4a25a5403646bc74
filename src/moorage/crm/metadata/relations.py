"""Standard relations of many records to many: members of campaigns, contact roles, price books, products of interest.

Each link is a record of a module of its own, as the links of callers' fields are. An organisation gets such a module
when it first needs it, so that organisations and snapshots of any age can have it. No call names or lists these
modules: the related lists of both sides show what they hold [Z update-related-records].
"""

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from moorage.crm.metadata.custom.row_modules import linking_module, module_name_of, own_lookup
from moorage.crm.metadata.definitions import FieldDefinition, Ids
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.metadata.field_documents import field_document
from moorage.crm.metadata.module_documents import module_document


class Relation(msgspec.Struct, frozen=True):
    """Records of `module` are linked with those of `other`: usually few for each of its own, and very many for these.

    The lists are related lists of `module` and of `other`. Without `other_list` there is none that can be written to.
    `fields` are those of a link, and `mandatory` names the one that a link can't be without.
    """

    module: str
    other: str
    module_list: str
    other_list: str | None
    fields: tuple[FieldDefinition, ...] = ()
    mandatory: str | None = None

    @property
    def key(self) -> str:
        """What the document of the links' module names this relation by."""
        return f"{self.module} {self.other}"

    def of(self, parents: str, related_list: str) -> bool:
        """Whether a related list of the module `parents` shows this relation."""
        return (parents, related_list) in ((self.module, self.module_list), (self.other, self.other_list))


def _field(api_name: str, data_type: str, json_type: str, length: int) -> FieldDefinition:
    label = api_name.replace("_", " ")
    return FieldDefinition(
        api_name=api_name,
        field_label=label,
        display_label=label,
        data_type=data_type,
        json_type=json_type,
        length=length,
        decimal_place=2 if data_type == "currency" else None,
        searchable=False,
    )


_MEMBER_STATUS = _field("Member_Status", "picklist", "string", 120)
CONTACT_ROLE = "Contact_Role"
RELATIONS = (
    Relation("Leads", "Campaigns", "Campaigns", "Leads", (_MEMBER_STATUS,)),
    Relation("Contacts", "Campaigns", "Campaigns", "Contacts", (_MEMBER_STATUS,)),
    Relation("Deals", "Contacts", "Contact_Roles", None, (_field(CONTACT_ROLE, "bigint", "string", 19),)),
    Relation(
        "Products",
        "Price_Books",
        "Price_Books",
        "Products",
        (_field("list_price", "currency", "double", 16),),
        mandatory="list_price",
    ),
    *(Relation(name, "Products", "Products", name) for name in ("Leads", "Accounts", "Contacts", "Deals")),
)


def relation_of(parents: str, related_list: str) -> Relation | None:
    """The relation that a related list shows; None for other lists. Both names are API names."""
    return next((each for each in RELATIONS if each.of(parents, related_list)), None)


def relation_documents(relation: Relation, metadata: Metadata, ids: Ids) -> Iterator[Document]:
    """The module of the links, and its fields."""
    modules = metadata.all("module")
    name = module_name_of(f"{relation.module}_X_{relation.other}", [module.name for module in modules])
    number = max(int(module.body["sequence_number"]) for module in modules) + 1
    own, connected = (
        own_lookup(module, module.replace("_", " "), module) for module in (relation.module, relation.other)
    )
    definition = linking_module(name, name.replace("_", " "), own, connected, number)
    closed = {"creatable": False, "editable": False, "deletable": False, "relation": relation.key}
    body = module_document(definition, ids.new_id(), ids) | closed
    module = Document(int(body["id"]), "module", 0, name, body)
    yield module
    for field in (*definition.fields, *relation.fields):
        plain = replace(field, searchable=False)
        field_body = field_document(plain, ids.new_id(), ids, {})
        yield Document(int(field_body["id"]), "field", module.id, field.api_name, field_body)
