def on_page_markdown(markdown, **_):
    return markdown.replace('{{ three lines }}', 'a = 1\nb = 2\nc = 3')
