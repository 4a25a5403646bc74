from moorage.crm.records.modules.rules import ModuleRules

RULES = ModuleRules(has_territories=True)
