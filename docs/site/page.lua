-- page.lua: a page of the docs as a page of the site. Pandoc runs it on each; so does source.lua for sources.
--
--   PAGE=docs/x.md   the page, from the repository's root, where pandoc runs
--   OUT=build/book   where the site goes: each page and each source at its own path, with .html
--
-- Links to Markdown lead to its page, links and names of other files to the source as a page (its path is
-- added to OUT/.sources, and source.lua makes it). An extract gets a heading with file and line.
-- Drawings become part of the page, so that they follow its colours; other figures are copied. What the
-- page says, section by section, goes to OUT/.index/ for the search.
local page, out = os.getenv 'PAGE', os.getenv 'OUT'
local strata = os.getenv 'STRATA'
local dir = page:match '^(.*/)' or ''
local root = ('../'):rep(select(2, dir:gsub('/', '')))
local number, name = page:match '^docs/(%d%d)(_[%w_]+)%.md$'
if not number then number, name = page:match '^docs/%a+/(%d%d)(_[%w_]+)%.md$' end
local stage = number and number ~= '00' and 'stages/' .. number .. name .. '/'

local function read(path)
    local file = io.open(path)
    local text = file and file:read 'a' -- nil for a directory
    if file then file:close() end
    return text
end

local function write(path, text, how)
    os.execute("mkdir -p '" .. path:match '^(.*)/' .. "'")
    local file = assert(io.open(path, how or 'w'))
    file:write(text)
    file:close()
end

local function escaped(text)
    return (text:gsub('[&<>"]', {['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;'}))
end

local function normal(path) -- without . and ..
    path = ('/' .. path):gsub('/%./', '/')
    local n
    repeat path, n = path:gsub('/[^/]+/%.%./', '/', 1) until n == 0
    return path:sub(2)
end

-- ---- Links -------------------------------------------------------------------------------------

-- The address of a file of the repository, from this page; nil if there is none.
local function address(path)
    if path:match '%.md$' then
        return read(path) and root .. (path == 'ROADMAP.md' and 'index.html' or path:gsub('%.md$', '.html'))
    elseif path:match '%.svg$' or path:match '%.png$' then
        local bytes = read(path)
        if bytes then write(out .. '/' .. path, bytes) end
        return bytes and root .. path
    elseif read(path) then
        write(out .. '/.sources', path .. '\n', 'a')
        return root .. path .. '.html'
    end
end

function Link(link)
    local path, anchor = link.target:match '^([^#]*)(.*)$'
    if link.target:match '^%a+:' or path == '' then return link, false end
    local to = address(normal(dir .. path))
    if not to then return pandoc.Span(link.content), false end -- a directory
    link.target = to .. anchor
    return link, false
end

-- Files by name: those of the chapter's stage first. A name that two files have leads nowhere.
local by_name = {}
for _, where in ipairs {'common include stages', stage or nil} do
    local here = {}
    for path in io.popen('find ' .. where .. ' -name "*.[ch]"'):lines() do
        local base = path:match '[^/]+$'
        here[base] = here[base] == nil and path
    end
    for base, path in pairs(here) do by_name[base] = path end
end

function Code(code)
    local text = code.text
    if not text:match '^[%w_][%w_./-]*%.%a+$' or text:match '^build/' then return end
    local path = read(text) and text or stage and read(stage .. text) and stage .. text or by_name[text]
        or read(dir .. text) and normal(dir .. text)
    local to = path and address(path)
    return to and pandoc.Link({code}, to), false
end

-- ---- Blocks ------------------------------------------------------------------------------------

-- The line of a file at which this text begins.
local function line_of(path, text)
    local first = text:match '^[^\n]*\n?[^\n]*\n?[^\n]*'
    local at = (read(path) or ''):find(first, 1, true)
    return at and 1 + select(2, read(path):sub(1, at - 1):gsub('\n', ''))
end

local function html(text) return pandoc.RawBlock('html', text) end
local function html_inline(name) return pandoc.RawInline('html', '<code>' .. name:gsub('_', '_<wbr>') .. '</code>') end

-- Commands and what they print: no language has colours for that.
local function session(text)
    local lines = {}
    for line in (text .. '\n'):gmatch '(.-)\n' do
        local continues = lines[#lines] and lines[#lines]:match '\\</b>$'
        line = escaped(line)
        lines[#lines + 1] = (line:match '^%$ ' or continues) and '<b>' .. line .. '</b>' or line
    end
    return html('<pre class="session"><code>' .. table.concat(lines, '\n') .. '</code></pre>')
end

local function code(block, kind, argument)
    local text = block.text
    if kind == 'extract' then
        local path = argument:match '^%S+'
        local line = line_of(path, text)
        local label = path .. (line and ':' .. line or '')
        if block.classes[1] ~= 'c' and path:match '%.[ch]$' and text:match '^[%w#]' then block.classes = {'c'} end
        return {html('<p class="from"><a href="' .. address(path) .. (line and '#L-' .. line or '') .. '">'
            .. escaped(label) .. '</a></p>'), block}
    end
    block.attributes.dump = text:match '\n +%d+  %x%x [%x ]*  ' and 'yes' or nil
    if block.attributes.dump then
        return {html('<pre class="dump"><code>' .. escaped(text) .. '</code></pre>')}
    elseif text:match '^%$ ' or text:match '\n%$ ' then
        return {session(text)}
    end
    return {block}
end

-- What the program recorded for this book: see book.js.
local function recorded(command)
    local pipe = io.popen(command .. ' 2>/dev/null')
    local text = pipe:read 'a'
    assert(pipe:close() ~= nil and text ~= '', command)
    return escaped(text)
end

local function power_cut()
    local parts = {'<section class="cut" aria-labelledby="cut-title"><h3 id="cut-title">Cut the power yourself</h3>',
        '<p>A database of this stage that is safe on the disk, then <code>put apple red</code>, <code>put plum blue</code>, ',
        '<code>del apple</code>. Choose the call at which it ends. Below are the states that the disk may be in then, ',
        'and at no call before, and what the next open finds in them. Recorded when this page was built, by ',
        '<code>strata crash --walk calls --stage ', tonumber(number), '</code>.</p>',
        '<noscript><p>This needs JavaScript. The command prints the same as a table.</p></noscript>'}
    for _, model in ipairs {'kill', 'ordered', 'posix'} do
        table.insert(parts, '<template data-model="' .. model .. '">' .. recorded(
            'printf "reopen\\nsettle\\nput apple red\\nput plum blue\\ndel apple\\n" > ' .. out .. '/.work; '
            .. strata .. ' crash --walk calls --stage ' .. tonumber(number) .. ' --model ' .. model
            .. ' --workload ' .. out .. '/.work') .. '</template>')
    end
    return html(table.concat(parts) .. '</section>')
end

local function timeline()
    local file = 'timeline' .. tonumber(number) .. '.html'
    return html('<figure class="wide"><iframe srcdoc="' .. escaped(read(out .. '/' .. file)) .. '" title="Levels of a database" loading="lazy">'
        .. '</iframe><figcaption>A database of stage 7' .. (number == '06' and ' with the fixed levels of this chapter' or '') .. ', as <code>strata timeline</code> shows it. '
        .. '<a href="../' .. file .. '">On a page of its own</a></figcaption></figure>')
end

-- Pieces that stand at the end of a section, by page and heading.
local pieces = {
    ['01 The crash walk'] = power_cut, ['02 The crash walk'] = power_cut, ['03 The crash walk'] = power_cut,
    ['06 Measure'] = timeline, ['07 Measure'] = timeline,
}

function Blocks(blocks)
    local result, kind, argument, piece = pandoc.List(), nil, nil, nil
    for _, block in ipairs(blocks) do
        if block.t == 'Header' and piece then result:insert(piece()) end
        if block.t == 'Header' then
            piece = page:match '^docs/%d' and pieces[(number or '') .. ' ' .. pandoc.utils.stringify(block):gsub('^%d+%. ', '')]
        end
        if block.t == 'RawBlock' and block.text:match '^<!%-%-' then
            kind, argument = block.text:match '^<!%-%-%s*(%a+):?%s*(.-)%s*%-%->'
        elseif block.t == 'CodeBlock' then
            result:extend(code(block, kind, argument))
            kind = nil
        else
            kind = nil
            result:insert(block)
        end
    end
    if piece then result:insert(piece()) end
    return result
end

function RawInline(raw)
    if raw.text:match '^<!%-%-' then return {} end -- names of figures
end

function Para(para)
    local image = #para.content == 1 and para.content[1]
    if not image or image.t ~= 'Image' then return end
    local path, alt = normal(dir .. image.src), pandoc.utils.stringify(image)
    local to = assert(address(path), path)
    if not path:match '^docs/drawings/' then
        return html('<figure class="wide"><img src="' .. to .. '" alt="' .. escaped(alt) .. '" loading="lazy"></figure>'), false
    end
    local svg = read(path):gsub('<%?xml.-%?>%s*', ''):gsub('<style>.-</style>%s*', '')
    return html('<figure class="drawing"><div>' .. svg .. '</div><figcaption>' .. escaped(alt) .. '</figcaption></figure>'), false
end

function Table(block)
    block = block:walk {Code = function(code) -- names of tests are long: a line may end behind each underscore
        if #code.text > 20 and code.text:match '^[%w_]+$' then return html_inline(code.text) end
    end, Str = function(word)
        if #word.text > 10 and word.text:find '_' then return pandoc.RawInline('html', (escaped(word.text):gsub('_', '_<wbr>'))) end
    end}
    return {html '<div class="scroll" role="region" aria-label="table">', block, html '</div>'}
end

-- ---- Search ------------------------------------------------------------------------------------

local function quoted(text)
    return '"' .. text:gsub('[%c\\"]', function(c) return c == '\n' and ' ' or ('\\u%04x'):format(c:byte()) end):gsub('<', '\\u003c') .. '"'
end

local function index(doc)
    local lines, title, words = {}, nil, {}
    local here = page == 'ROADMAP.md' and 'index.html' or page:gsub('%.md$', '.html')
    local heading, id
    local function section()
        if heading then
            lines[#lines + 1] = ('[%s,%s,%s],\n'):format(quoted(here .. '#' .. id), quoted(heading), quoted(table.concat(words, ' ')))
        end
        words = {}
    end
    for _, block in ipairs(doc.blocks) do
        if block.t == 'Header' then
            section()
            local text = pandoc.utils.stringify(block)
            title = title or text
            heading, id = block.level == 1 and text or title:gsub(':.*', '') .. ' › ' .. text, block.identifier
        elseif block.t == 'Para' then
            words[#words + 1] = pandoc.utils.stringify(block):gsub('%s+', ' ')
        elseif block.t == 'BulletList' or block.t == 'OrderedList' or (block.t == 'Table' and stage) then
            words[#words + 1] = pandoc.write(pandoc.Pandoc {block}, 'plain'):gsub('%-%-+', ''):gsub('%s+', ' ')
        end
    end
    section()
    write(out .. '/.index/' .. page:gsub('/', '+'), table.concat(lines))
end

return {{Pandoc = index}, {Blocks = Blocks, RawInline = RawInline}, {traverse = 'topdown', Link = Link, Code = Code, Para = Para, Table = Table}}
