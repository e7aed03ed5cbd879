// `import Settle` is enough: ids, revisions, JSON and errors come with it.

@_exported public import SettleCore
