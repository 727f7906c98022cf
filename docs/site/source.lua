-- source.lua: makes a page of each file that OUT/.sources names, with colours and numbered lines. It is run
-- once, on no document, as to start pandoc for each file takes longer than the files do.
local out, template = os.getenv 'OUT', io.open('docs/site/source.html'):read 'a'
local language = {c = 'c', h = 'c', sh = 'bash', bash = 'bash', mk = 'makefile', pl = 'perl', py = 'python', patch = 'diff'}

function Pandoc(doc)
    local seen = {}
    for path in io.lines(out .. '/.sources') do
        if not seen[path] then
            seen[path] = true
            local text = io.open(path):read 'a'
            local kind = language[path:match '%.(%w+)$'] or 'default'
            local block = pandoc.CodeBlock(text, pandoc.Attr('L', {kind, 'numberLines', 'lineAnchors'}))
            local values = {path = path, root = ('../'):rep(select(2, path:gsub('/', ''))),
                code = (pandoc.write(pandoc.Pandoc {block}, 'html'):gsub('<a href="#L', '<a tabindex="-1" href="#L'))}
            os.execute("mkdir -p '" .. out .. '/' .. (path:match '^(.*)/' or '') .. "'")
            local file = assert(io.open(out .. '/' .. path .. '.html', 'w'))
            file:write((template:gsub('@(%a+)@', values)))
            file:close()
        end
    end
    return doc
end
