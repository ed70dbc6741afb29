"""In which words is the day told? One sentence a key, in English and Japanese; facts are filled in by name."""

from typing import Final

STORY: Final[dict[str, tuple[str, str]]] = {
    "opened": (
        "The shop opens: 3 nodes, 3 channels, 40 SKUs and a bundle; {units} units received.",
        "開店。拠点3、販売チャネル3、SKU 40とセット商品1。入荷 {units} 点。",
    ),
    "web_order": (
        "Web order {order} over {gross} yen, a gift set in it: promised from the DC, card authorised.",
        "オンライン注文 {order}、{gross} 円(セット商品を含む)。物流センターで引当、カード与信。",
    ),
    "shipped_from": (
        "Order {order} leaves {node} as parcel {tracking}; the card is captured.",
        "注文 {order} を {node} から出荷(送り状 {tracking})。カード売上確定。",
    ),
    "pickup_order": (
        "BOPIS order {order} over {gross} yen, to be collected at {node}.",
        "店舗受取の注文 {order}、{gross} 円。受取は {node}。",
    ),
    "pickup_ready": (
        "Order {order} is picked and set aside at {node}; the buyer is sent a code, good until before {until}.",
        "注文 {order} を {node} で取り置き。受取コードを送付({until} の前日まで有効)。",
    ),
    "wrong_code": (
        "Somebody comes with a wrong code and is refused: {code}.",
        "誤った受取コードを拒否: {code}。",
    ),
    "collected": (
        "The buyer brings the code: order {order} is handed over at {node}, the card is captured.",
        "受取コードを確認し、注文 {order} を {node} で手渡し。カード売上確定。",
    ),
    "store_order": (
        "Web order {order} over {gross} yen: the DC is one umbrella short, so {node} is to ship it.",
        "オンライン注文 {order}、{gross} 円。センターは1本不足のため {node} から出荷する。",
    ),
    "imported": (
        "{orders} orders of anonymised buyers arrive from the marketplace; {short} short of stock.",
        "マーケットプレイスから匿名購入者の注文 {orders} 件を取り込み。在庫不足 {short} 件。",
    ),
    "imported_again": (
        "The same file arrives again: {changed} documents changed.",
        "同じファイルを再度取り込み。変更 {changed} 件。",
    ),
    "till_sale": (
        "At the till of {node} a member buys 3 umbrellas for {gross} yen, promised or not: a fact (order {order}).",
        "{node} のレジで会員が傘3本を購入、{gross} 円。引当済みでも実績は記録する(注文 {order})。",
    ),
    "at_risk": (
        "That leaves {node} {short} short of what it promised: {sku} of order {order} is at risk.",
        "{node} は約束に {short} 点不足。注文 {order} の {sku} が危うい。",
    ),
    "rescued": (
        "The promise moves: {units} units now come from {node}.",
        "引当を振り替え、{units} 点を {node} から出荷する。",
    ),
    "asks_too_much": (
        "A cart asks for {asked} teapots; {available} can be promised.",
        "急須 {asked} 点の注文。引当可能は {available} 点。",
    ),
    "asks_late": (
        "Weeks later somebody brings an umbrella of order {order} back.",
        "数週間後、注文 {order} の傘の返品申し出。",
    ),
    "refused": ("Refused: {code} ({because})", "拒否: {code} ({because})"),
    "claim_refused": (
        "Another account claims the guest's order without a proof and is refused: {code}.",
        "証明のない別アカウントによる注文の引き取りを拒否: {code}。",
    ),
    "claimed": (
        "The guest proves her e-mail address, opens an account and sees her order: {orders}.",
        "ゲストがメールアドレスを認証してアカウントを開設。自分の注文 {orders} 件が見える。",
    ),
    "delivered": ("{parcels} parcels are delivered.", "荷物 {parcels} 個を配達完了。"),
    "returned": (
        "A shirt of order {order} comes back over the counter of {node}; {refund} yen go back to the card.",
        "注文 {order} のシャツを {node} で返品受付。カードへ {refund} 円を返金。",
    ),
}

TABLES: Final[dict[str, tuple[str, str]]] = {
    "stock": ("Stock per node", "拠点別在庫"),
    "sku": ("SKU", "SKU"),
    "on_hand": ("on hand", "現物"),
    "held": ("held", "引当"),
    "available": ("available", "引当可能"),
    "rest": ("all other SKUs", "その他のSKU"),
    "node": ("node", "拠点"),
    "money": ("Money per channel (yen, tax included)", "チャネル別金額(円・税込)"),
    "channel": ("channel", "チャネル"),
    "orders": ("orders", "注文"),
    "agreed": ("agreed", "受注額"),
    "captured": ("captured", "売上"),
    "refunded": ("refunded", "返金"),
    "tax": ("tax in it", "うち税額"),
    "who": ("Who is who", "顧客・アカウント・認証ID"),
    "customer": ("customer", "顧客"),
    "name": ("name", "名前"),
    "account": ("account", "アカウント"),
    "identities": ("IDs", "認証ID"),
    "anonymous": ("(anonymised)", "(匿名)"),
    "audit": ("Audit", "監査"),
    "verified": (
        "verified: {documents} documents, {entries} entries, {holds} holds, {events} events, {differences} differences",
        "検証: 文書 {documents}・仕訳 {entries}・引当 {holds}・イベント {events} verified: {differences} differences",
    ),
    "revealed": (
        "personal data: {reads} readings, each with its purpose, in the journal",
        "個人データの閲覧 {reads} 件を目的とともに記録",
    ),
}


def words(key: str, language: str) -> str:
    """Give a sentence or heading in a language."""
    english, japanese = (STORY | TABLES)[key]
    return japanese if language == "ja" else english
